"""Child processes: started with limits, watched, and ended with the process that started them."""
