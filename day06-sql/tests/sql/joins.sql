-- The keys, what is asked for, and nothing else.
SELECT o.id, name FROM orders AS o JOIN merchants m ON o.merchant_id = m.id;
-- The comma: keys are in WHERE, and a condition on one side goes below the join.
SELECT o.id FROM orders o, merchants m WHERE m.id = o.merchant_id AND o.note = 'x' AND m.city > 3 AND o.amount > m.floor;
-- A chain, whose second join comes first.
SELECT o.id, c.name FROM orders o, cities c CROSS JOIN merchants m WHERE o.merchant_id = m.id AND c.id = m.city;
-- USING, and names that both sides have.
SELECT id, a.note FROM orders a JOIN orders b USING (id, merchant_id) WHERE a.amount < b.amount;
-- Through a view, whose columns have other names.
CREATE VIEW sold AS SELECT o.amount AS price, m.name AS seller FROM orders o INNER JOIN merchants m ON o.merchant_id = m.id;
SELECT seller, SUM(price) AS total FROM sold WHERE price > 1 AND seller <> '' GROUP BY seller;
-- Below a grouping, and over one.
SELECT m.name, n FROM (SELECT merchant_id, COUNT(*) AS n FROM orders GROUP BY merchant_id) AS c
JOIN merchants m ON m.id = c.merchant_id AND n > 10;
-- Two keys, one of which is computed.
SELECT COUNT(*) AS n FROM orders o JOIN cities c ON o.id + 1 = c.id AND o.note = c.name;
