SELECT CASE WHEN EXISTS (SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = 'cala_migrations')
  THEN '{"present":true}' ELSE '{"present":false}' END
WHERE ? IS NOT NULL
