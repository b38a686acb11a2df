-- To which key secrets for a region's agent are sealed: the public half of X25519.
ALTER TABLE regions ADD COLUMN sealing_key BLOB CHECK (length(sealing_key) = 32);
