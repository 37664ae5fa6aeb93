# A first TCP client, as a learner writes it. It must work against the default configuration.
import socket

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect(("127.0.0.1", 8080))
client.send(b"Hello, server!")
data = client.recv(1024)
print("Received:", data.decode())
client.close()
