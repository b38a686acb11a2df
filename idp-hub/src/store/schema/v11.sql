-- With what the hub proves its own word that something ended: in its backups too, and nowhere else.
INSERT INTO facts (name, value) VALUES ('lapse_key', randomblob(32));
