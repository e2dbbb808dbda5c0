"""What sound looks like to a network: the deployed 8-bit log-mel image and other pictures."""
