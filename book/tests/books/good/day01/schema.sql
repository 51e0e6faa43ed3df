-- ANCHOR: orders
CREATE TABLE orders (price INT);
-- ANCHOR_END: orders
