"""Running the whole archive on one machine: `manage.py up` and what it starts."""
