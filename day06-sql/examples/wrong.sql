CREATE TABLE orders (merchant_id STRING, amount DECIMAL(10, 2)) WITH ('connector' = 'datagen');
SELECT merchant_id, SUM(amont)
FROM orders GROUP BY merchant_id;
