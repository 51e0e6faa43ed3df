-- Bids, in event time; the columns in an order that no query asks for.
CREATE TABLE bids (
  supplier STRING,
  item STRING,
  price DECIMAL(10, 2),
  bidtime TIMESTAMP(3) NOT NULL,
  part INT METADATA FROM 'partition' VIRTUAL,
  WATERMARK FOR bidtime AS bidtime - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'bids',
  'properties.bootstrap.servers' = 'localhost:9092', 'properties.group.id' = 'g1',
  'scan.startup.mode' = 'group-offsets',
  'format' = 'json'
);
CREATE TABLE totals (
  `from` TIMESTAMP(3), `to` TIMESTAMP(3), total DECIMAL(12, 2), n BIGINT
) WITH ('connector' = 'filesystem', 'path' = '/tmp/totals', 'format' = 'csv');

SELECT window_start, window_end, SUM(price)
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '10' MINUTES))
GROUP BY window_start, window_end;

SELECT item, window_start, window_end, MIN(price) AS low, MAX(price) - MIN(price) AS spread
FROM HOP(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE)
WHERE price > 1
GROUP BY item, window_start, window_end
HAVING COUNT(*) > 1;

-- The type of a sum is wider than the table says, and BIGINT is not INT.
INSERT INTO totals (`from`, n, `to`)
SELECT window_start, COUNT(item), window_time
FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '2' MINUTE, INTERVAL '10' MINUTE))
GROUP BY window_start, window_end, window_time;

-- One bound is not enough for a window that fires once.
SELECT window_start, part, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '10' MINUTE, INTERVAL '1' MINUTE))
WHERE window_end < TIMESTAMP '2020-04-15 08:20:00'
GROUP BY window_start, part;

-- Rows with their windows.
SELECT * FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(bidtime), INTERVAL '1' HOUR)) AS w;
