CREATE SOURCE bids (
  supplier VARCHAR, item VARCHAR, price NUMERIC, bidtime TIMESTAMP,
  WATERMARK FOR bidtime AS bidtime - INTERVAL '1 SECOND'
) INCLUDE partition AS part
WITH (
  connector = 'kafka', topic = 'bids',
  properties.bootstrap.server = 'localhost:9092',
  scan.startup.mode = 'earliest'
) FORMAT PLAIN ENCODE JSON;

CREATE MATERIALIZED VIEW totals AS
SELECT window_start, window_end, SUM(price) AS total
FROM TUMBLE(bids, bidtime, INTERVAL '10 MINUTE')
GROUP BY window_start, window_end
EMIT ON WINDOW CLOSE;

CREATE SINK out FROM totals WITH (
  connector = 'kafka', topic = 'out', properties.bootstrap.server = 'localhost:9092'
) FORMAT PLAIN ENCODE JSON (force_append_only = 'true');

-- Without EMIT ON WINDOW CLOSE each row changes the result.
CREATE MATERIALIZED VIEW live AS
SELECT window_start, UPPER(item) AS item, COUNT(*), AVG(price) AS mean
FROM TUMBLE(bids, bidtime, INTERVAL '10 minutes')
GROUP BY window_start, UPPER(item);

CREATE MATERIALIZED VIEW hops AS
SELECT window_end, COUNT(*)
FROM HOP(bids, bidtime, INTERVAL '5 minutes', INTERVAL '10 minutes')
GROUP BY window_end
EMIT ON WINDOW CLOSE;

EXPLAIN CREATE MATERIALIZED VIEW busy AS SELECT item, count FROM live WHERE count > 100;
