SELECT '{"version":' || coalesce(max(version), 0) || '}' FROM cala_migrations WHERE ? IS NOT NULL
