-- How the region's agent took its leave in its newest session: 0 not at all, 1 it stops and will be
-- back, 2 it left the federation.
ALTER TABLE regions ADD COLUMN goodbye INTEGER NOT NULL DEFAULT 0;
