-- Up to which change its agent had the directory when its session ended; NULL: it never said.
ALTER TABLE region_organization ADD COLUMN held_seq INTEGER;
