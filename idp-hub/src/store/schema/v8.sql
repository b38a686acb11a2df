-- What is done about drift in each region: 'ask', 'put-back' or 'adopt'.
ALTER TABLE region_organization ADD COLUMN drift TEXT NOT NULL DEFAULT 'ask';
