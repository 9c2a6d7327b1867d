SELECT '{"version":' || coalesce(max(version), 0) || '}' FROM main.cala_migrations WHERE ? IS NOT NULL
