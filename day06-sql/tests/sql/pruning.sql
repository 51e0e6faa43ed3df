CREATE TABLE wide (
  a INT, b INT, c STRING, d STRING, e AS a + b, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'wide.json', 'format' = 'json');

-- Nothing at all.
SELECT COUNT(*) FROM wide;
-- A computed column needs what it is computed of.
SELECT e FROM wide;
-- The filter's column is read, and not shown.
SELECT d FROM wide WHERE c = 'x';
-- The time is read for the window, and for nothing else.
SELECT COUNT(b) FROM TABLE(TUMBLE(TABLE wide, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
-- Through a sub-query that asks for everything.
SELECT c FROM (SELECT * FROM (SELECT a, b, c AS c, UPPER(d) AS u FROM wide)) AS s WHERE s.a > 0;
-- Everything, as it is.
SELECT * FROM wide;
