"""Files that people download or send: kept in a folder that nobody serves, each under a random key."""
