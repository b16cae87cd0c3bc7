"""What users do: each application in a folder of its own."""
