# A first UDP client, as a learner writes it. It must work against the default configuration.
import socket

client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.sendto(b"time?", ("127.0.0.1", 9000))
data, server = client.recvfrom(1024)
print("Server time:", data.decode())
client.close()
