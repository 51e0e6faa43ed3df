CREATE TABLE orders (
  id BIGINT, amount DOUBLE, price DECIMAL(10, 2), many INT, merchant STRING, ms BIGINT,
  ts AS TO_TIMESTAMP_LTZ(ms, 3),
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'datagen', 'number-of-rows' = '1000', 'fields.id.kind' = 'sequence',
        'fields.id.start' = '1', 'fields.id.end' = '1000', 'fields.merchant.length' = '3');

SELECT id + many, many * price, amount / 2, -many % 3, UPPER(merchant) || '!' FROM orders;
SELECT id FROM orders
WHERE many BETWEEN 1 AND 10 AND NOT merchant IN ('a', 'b', 'c') OR price IS NOT NULL AND ts < '2026-01-01T00:00:00Z';
SELECT CASE WHEN many > 10 THEN 'many' WHEN many > 1 THEN 'some' END AS how, COALESCE(merchant, '?') FROM orders;
SELECT CAST(many AS STRING), amount::numeric(10, 2), '5'::INT + many, (1 + 2) * 3 - (4 - 5) FROM orders;
SELECT merchant, many + 1 AS more, SUM(price) / COUNT(*) AS mean
FROM orders AS o WHERE o.amount > 1.5 GROUP BY merchant, many + 1 HAVING AVG(many) >= 2 AND merchant <> '';
