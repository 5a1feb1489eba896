using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using FleetMdm.Api.Hosting.Nodes;
using FleetMdm.EndToEnd.Server;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;

namespace FleetMdm.EndToEnd.Cluster;

/// <summary>Who reaches the ports between nodes and has no master key, reaches nothing.</summary>
public sealed class NodePortTests
{
    private const string Cluster = "fleetmdm";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task A_stranger_at_the_gateway_is_refused_whatever_it_shows()
    {
        // By Orleans' own warnings, which are not shown otherwise, the test sees each refusal.
        await using var cluster = await RunningCluster.Start(
            new Dictionary<string, string> { ["Logging:LogLevel:Orleans.Connections.Security"] = "Warning" }, "Silo", "Api");
        var gateway = new IPEndPoint(IPAddress.Loopback, int.Parse(cluster.Nodes[0].Setting("Cluster:GatewayPort"), CultureInfo.InvariantCulture));
        var key = Convert.FromBase64String(cluster.Nodes[0].Setting("Secrets:MasterKey"));
        await cluster.Tell(async () =>
        {
            Assert.False(await GetsIn(cluster.Nodes[0], gateway, null, Cluster), "without TLS");
            Assert.False(await GetsIn(cluster.Nodes[0], gateway, RandomNumberGenerator.GetBytes(SecretSealer.KeyLength), Cluster), "with another master key");
            Assert.False(await GetsIn(cluster.Nodes[0], gateway, key, "another"), "with the certificate of another cluster");
            Assert.True(await GetsIn(cluster.Nodes[0], gateway, key, Cluster), "with the cluster's own: else the refusals above prove nothing");
            // One line for the address of them all, and none for those who are nodes.
            Assert.Equal(1, cluster.Nodes[0].Output.Split("did not prove that it is a node").Length - 1);
            Assert.DoesNotContain("did not prove that it is a node", cluster.Nodes[1].Output);
        });
    }

    [Fact]
    public async Task A_stranger_that_knocks_again_and_again_leaves_one_line()
    {
        await using var cluster = await RunningCluster.Start("All", "All");
        var port = int.Parse(cluster.Nodes[0].Setting("Cluster:SiloPort"), CultureInfo.InvariantCulture);
        await cluster.Tell(async () =>
        {
            Assert.DoesNotContain("did not prove that it is a node", cluster.Nodes[0].Output + cluster.Nodes[1].Output);
            for (var i = 0; i < 20; i++)
            {
                using var knock = new TcpClient();
                await knock.ConnectAsync(IPAddress.Loopback, port);
                await knock.GetStream().WriteAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray());
                // Closed, without a word or with one of TLS.
                var heard = new byte[256];
                try
                {
                    while (await knock.GetStream().ReadAsync(heard).AsTask().WaitAsync(Patience) > 0)
                    {
                    }
                }
                catch (IOException)
                {
                    // Reset.
                }
            }

            Assert.Equal(1, cluster.Nodes[0].Output.Split("did not prove that it is a node").Length - 1);
            Assert.DoesNotContain("Authentication failed", cluster.Nodes[0].Output);
        });
    }

    private static async Task<bool> GetsIn(ServerProcess node, IPEndPoint gateway, byte[]? masterKey, string certificateOf)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddSingleton(TimeProvider.System);
        if (masterKey is not null) builder.Services.AddSingleton(new SecretSealer(masterKey));
        builder.UseOrleansClient(client =>
        {
            client.UseStaticClustering(gateway);
            client.Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = (Cluster, Cluster));
            if (masterKey is not null) client.UseNodeTls(certificateOf);
        });
        using var host = builder.Build();
        using var givenUp = new CancellationTokenSource();
        var refusals = Refusals();
        var start = host.StartAsync(givenUp.Token);
        var guard = Task.Delay(Patience, TimeProvider.System);
        while (!start.IsCompleted && Refusals() == refusals)
        {
            Assert.False(guard.IsCompleted, "neither refused nor let in");
            await Task.WhenAny(start, Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System));
        }

        if (!start.IsCompletedSuccessfully)
        {
            // It would knock for ever.
            await givenUp.CancelAsync();
            await Assert.ThrowsAnyAsync<Exception>(() => start);
            return false;
        }

        await host.StopAsync();
        return true;

        int Refusals() => node.Output.Split("Authentication failed").Length;
    }
}
