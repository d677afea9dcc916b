"""Trying the attack corpus against the product as people start it: command line, app, service, pages."""
