using System.Diagnostics;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Administration;

namespace FleetMdm.EndToEnd.Cluster;

/// <summary>The next version, as it is published for a district, takes the place of this one.</summary>
public sealed class UpgradeTests
{
    private const string NextVersion = "99.0.0";
    private const int IPads = 8;
    private const int Between = 40;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task Nodes_of_the_next_version_join_one_after_the_other_and_nothing_is_lost()
    {
        using var published = new TemporaryFolder();
        var program = await Publish(published.Path);
        await using var cluster = await RunningCluster.Start("All", "All");
        await cluster.Tell(async () =>
        {
            await using var audit = await cluster.Audit(IPads);
            audit.StartSending();
            foreach (var node in cluster.Nodes)
            {
                // At first both are of this version, then one is of each, then both are of the next.
                await audit.AcceptedMore(Between);
                Assert.NotEqual(NextVersion, await Version(cluster, node.Url));
                Assert.Equal(0, await node.Stop());
                node.Program = program;
                await node.Start();
                await RunningCluster.Ready(node);
                Assert.Equal(NextVersion, await Version(cluster, node.Url));
            }

            await audit.AcceptedMore(Between);
            await audit.Settle("rolling upgrade of two nodes", []);
            await cluster.AllReady();
        });
    }

    private static async Task<string> Version(RunningCluster cluster, Uri node)
    {
        using var admin = new AdminClient(node, cluster.AdminToken, cluster.Trust);
        return (await admin.GetAsync("/api/v1/status"))["version"]!.GetValue<string>();
    }

    /// <summary>As the Dockerfile and operations.md say, but into a folder of its own: what is built for the tests stays as it is.</summary>
    private static async Task<string> Publish(string folder)
    {
        var app = Path.Combine(folder, "app");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Repository.Root };
        string[] arguments =
        [
            "publish", "Silo/Silo.csproj", "--configuration", "Release", "--artifacts-path", Path.Combine(folder, "artifacts"), "--output", app,
            $"-p:Version={NextVersion}", "-p:RunAnalyzers=false", "--nologo", "-v", "q",
        ];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        // A compiler that stayed would hold the streams open.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        using var publish = Process.Start(start)!;
        var output = Task.WhenAll(publish.StandardOutput.ReadToEndAsync(), publish.StandardError.ReadToEndAsync());
        await publish.WaitForExitAsync().WaitAsync(Patience);
        Assert.True(publish.ExitCode == 0, string.Concat(await output));
        return Path.Combine(app, "FleetMdm.Silo.dll");
    }
}
