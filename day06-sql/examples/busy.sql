CREATE TABLE orders (
  merchant_id STRING, amount DECIMAL(10, 2), note STRING, ms BIGINT,
  ts AS TO_TIMESTAMP_LTZ(ms, 3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');

SELECT merchant_id, window_start, SUM(amount) AS total
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '10' SECOND))
WHERE amount > 1
GROUP BY merchant_id, window_start, window_end
HAVING COUNT(*) > 1;
