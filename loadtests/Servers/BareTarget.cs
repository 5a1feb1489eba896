using System.Net;
using System.Net.Sockets;
using FleetMdm.LoadTests.Driver;

namespace FleetMdm.LoadTests.Servers;

/// <summary>A server to compare with, and the way to it.</summary>
internal sealed record BareTarget(ChildProcess Process, HttpTarget Target) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Process.DisposeAsync();
}

internal static class FreePorts
{
    public static int Next()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
