"""The check `domain_control`: is control of the name proved (BR 3.2.2.4)? Pure."""
