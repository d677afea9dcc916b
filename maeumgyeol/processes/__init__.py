"""Child processes: started with limits, monitored, and ended with the process that started them."""
