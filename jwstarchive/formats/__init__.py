"""How the admin writes dates: as every page does, whatever the language of Django."""
