-- Only those who are granted it may execute a function. GRANT USAGE ON SCHEMA and GRANT EXECUTE ON ALL FUNCTIONS IN
-- SCHEMA are all that a posting role needs. Once, in the last part: it reads all functions of the database.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA @schema@ FROM PUBLIC
