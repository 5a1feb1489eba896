using System.Net;
using System.Net.Sockets;

namespace FleetMdm.Testing;

/// <summary>Ports for servers of a test.</summary>
public static class Ports
{
    private const int First = 12_000;
    private const int Count = 8_000;
    private static int _given = Random.Shared.Next(Count);

    /// <summary>Each one is given once. Below the ports that the system gives to outgoing connections: one of those may take a port between this
    /// look and the server's start.</summary>
    public static int Free()
    {
        while (true)
        {
            var port = First + (Interlocked.Increment(ref _given) % Count);
            try
            {
                using var listener = new TcpListener(IPAddress.Any, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody listens there.
            }
        }
    }
}
