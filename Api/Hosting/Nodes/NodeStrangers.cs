using System.Net;
using Microsoft.AspNetCore.Connections;

namespace FleetMdm.Api.Hosting.Nodes;

/// <summary>Says who knocked at the ports between nodes and is no node: once for each address and hour, whatever it sent. Around the TLS of these connections.</summary>
/// <remarks>Orleans would say it of each connection. Whoever scans the network could fill the log with that.</remarks>
internal sealed partial class NodeStrangers(TimeProvider time, ILogger<NodeStrangers> logger)
{
    private static readonly object Known = new();

    private readonly OncePerHour _told = new(time);

    /// <summary>To be set before TLS: whoever does not come through it is a stranger.</summary>
    public ConnectionDelegate Watch(ConnectionDelegate tls) => async connection =>
    {
        try
        {
            await tls(connection);
        }
        finally
        {
            if (!connection.Items.ContainsKey(Known) && connection.RemoteEndPoint is IPEndPoint remote && _told.IsDue(remote.Address)) LogStranger(remote.Address);
        }
    };

    /// <summary>To be set behind TLS.</summary>
    public static ConnectionDelegate Through(ConnectionDelegate next) => connection =>
    {
        connection.Items[Known] = true;
        return next(connection);
    };

    [LoggerMessage(3226, LogLevel.Warning, "A connection from {Address} to the port between nodes was refused: it did not prove that it is a node of this cluster. "
        + "If it is one, it has another master key, Cluster:ClusterId or date. Nothing more is said of this address for an hour")]
    private partial void LogStranger(IPAddress address);
}
