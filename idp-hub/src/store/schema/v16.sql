-- A name as the coarsest database under a Keystone compares it, by which a sign-in finds it where
-- it was typed otherwise. The hub writes it where it is missing, as no SQL says it.
ALTER TABLE names ADD COLUMN folded TEXT;
CREATE INDEX names_folded ON names (folded, department);

-- Since when a region's secrets are sealed to its key; NULL: since before this was noted.
ALTER TABLE regions ADD COLUMN sealing_ms INTEGER;
