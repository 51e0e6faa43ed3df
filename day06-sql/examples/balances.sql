CREATE TABLE transfers (payer BIGINT, payee BIGINT, amount BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'transfers', 'properties.bootstrap.servers' = 'localhost:9092', 'format' = 'json');

CREATE MATERIALIZED VIEW credits AS SELECT payee AS account, SUM(amount) AS credits FROM transfers GROUP BY payee;
CREATE MATERIALIZED VIEW debits AS SELECT payer AS account, SUM(amount) AS debits FROM transfers GROUP BY payer;
CREATE MATERIALIZED VIEW balances AS
SELECT credits.account, credits - debits AS balance
FROM credits JOIN debits ON credits.account = debits.account;
CREATE MATERIALIZED VIEW total AS SELECT SUM(balance) AS total FROM balances;
