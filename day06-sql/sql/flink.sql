CREATE TABLE orders (
merchant_id STRING
) WITH (
'connector' = 'kafka',
'topic' = 'orders',
'properties.bootstrap.servers' = 'localhost:9092',
'format' = 'json'
);
CREATE TABLE order_summary
WITH ('connector'='print') AS
SELECT merchant_id, COUNT(*)
FROM orders GROUP BY merchant_id;
