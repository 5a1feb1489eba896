using FleetMdm.EndToEnd.Cluster;
using FleetMdm.Testing;

namespace FleetMdm.EndToEnd.Server;

/// <summary>What a person reads who starts a server wrongly, or rightly.</summary>
public sealed class StartSentenceTests
{
    private const string MasterKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    [Theory]
    [InlineData(2, "Storage:Provider must be Sqlite or PostgreSQL, but is \"MySQL\".", "--Storage:Provider=MySQL")]
    [InlineData(2, "Mdm:SignMessage must be true or false, but is \"perhaps\".", "--Mdm:SignMessage=perhaps")]
    [InlineData(2, "Queue:MaxPerDevice must be a whole number, but is \"many\".", "--Queue:MaxPerDevice=many")]
    [InlineData(2, "An option of Logging is wrong: Configuration value 'Loud' is not supported.", "--Logging:LogLevel:Default=Loud")]
    [InlineData(2, "Cluster:Enabled needs PostgreSQL", "--Cluster:Enabled=true")]
    [InlineData(2, "Cluster:Enabled needs PostgreSQL", "--Cluster:Enabled=true", "--Cluster:Role=Silo")]
    [InlineData(2, "Cluster:Enabled needs PostgreSQL", "--Cluster:Enabled=true", "--Cluster:Role=Api")]
    [InlineData(2, "the keyword \"hst\", which Npgsql", "--Storage:Provider=PostgreSQL", "--Storage:ConnectionString=hst=db", "--Secrets:MasterKey=" + MasterKey)]
    [InlineData(2, "the keyword \"hst\", which Microsoft", "--Storage:ConnectionString=hst=db")]
    [InlineData(2, "Keyword=value pairs", "--Storage:Provider=PostgreSQL", "--Storage:ConnectionString=nonsense", "--Secrets:MasterKey=" + MasterKey)]
    [InlineData(1, "cannot listen on https://192.0.2.1:8443: this machine does not have the address", "--Http:Listen=https://192.0.2.1:8443")]
    public async Task What_is_wrong_is_said_with_what_would_be_right(int exitCode, string says, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var (code, output) = await ServerProcess.RunToEnd([.. arguments, $"--Storage:DataDirectory={folder.Path}", "--Logging:LogLevel:FleetMdm=Error"]);
        Assert.Equal(exitCode, code);
        Assert.Contains(says, output);
        Assert.Single(output.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_data_directory_that_is_a_file_is_told()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("data"), "");
        var (code, output) = await ServerProcess.RunToEnd([$"--Storage:DataDirectory={folder.File("data")}"]);
        Assert.Equal((2, 1), (code, output.TrimEnd().Split('\n').Length));
        Assert.Contains("is a file", output);
    }

    [Fact]
    public async Task A_second_server_on_one_PostgreSQL_without_a_cluster_stops_with_a_sentence_and_may_start_when_the_first_one_was_killed()
    {
        await using var database = await PostgresDatabase.Create();
        using var folder = new TemporaryFolder();
        Dictionary<string, string> options = new()
        {
            ["Storage:Provider"] = "PostgreSQL",
            ["Storage:ConnectionString"] = database.ConnectionString,
            ["Secrets:MasterKey"] = MasterKey,
        };
        await using var first = await new ServerProcess(folder.File("one"), options).Start();

        string[] second = [.. options.Select(option => $"--{option.Key}={option.Value}"), $"--Storage:DataDirectory={folder.File("two")}",
            $"--Http:Listen=https://127.0.0.1:{Ports.Free()}", "--Logging:LogLevel:FleetMdm=Error"];
        foreach (var (says, cluster) in new[]
        {
            ("set Cluster:Enabled=true on each of them", Array.Empty<string>()),
            ("started without Cluster:Enabled", ["--Cluster:Enabled=true", $"--Cluster:SiloPort={Ports.Free()}", "--Cluster:GatewayPort=0"]),
        })
        {
            var (code, output) = await ServerProcess.RunToEnd([.. second, .. cluster]);
            Assert.Equal(1, code);
            Assert.Contains(says, output);
            Assert.Single(output.TrimEnd().Split('\n'));
        }

        await first.Kill();
        await using var next = await new ServerProcess(folder.File("two"), options).Start();
        Assert.True(next.IsRunning);
    }

    [Fact]
    public async Task A_node_that_dies_gives_its_neighbour_one_line_and_one_that_leaves_none_that_warns()
    {
        await using var cluster = await RunningCluster.Start("All", "All", "All");
        await cluster.Tell(async () =>
        {
            var neighbour = cluster.Nodes[0];
            foreach (var (end, says) in new[] { (true, "is gone"), (false, "has left the cluster in order") })
            {
                var before = neighbour.Output.Length;
                var node = cluster.Nodes[end ? 2 : 1];
                if (end) await node.Kill();
                else await node.Stop();
                using var guard = new CancellationTokenSource(ServerProcess.Patience);
                while (!neighbour.Output[before..].Contains(says, StringComparison.Ordinal)) await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, guard.Token);
                await RunningCluster.Ready(neighbour);
                // Every line is an event: what went on for longer than one would be a stack trace.
                var lines = neighbour.Output[before..].TrimEnd().Split('\n');
                Assert.Equal(end ? 1 : 0, lines.Count(line => !line.Contains(" info: ", StringComparison.Ordinal)));
            }
        });
    }

    [Fact]
    public async Task Where_administrators_have_a_listener_of_their_own_the_console_is_said_to_be_there()
    {
        using var folder = new TemporaryFolder();
        var port = Ports.Free();
        await using var server = await new ServerProcess(folder.Path, new Dictionary<string, string> { ["Http:AdminListen"] = $"https://*:{port}" }).Start();
        // The first line is awaited; the others follow it.
        Assert.Equal(0, await server.Stop());

        Assert.Contains($"  Console           https://localhost:{port}/", server.Output);
        Assert.Contains($"  API documentation https://localhost:{port}/docs", server.Output);
        Assert.Contains($"  iPads enrol at    {server.Url}enroll/", server.Output);
        Assert.DoesNotContain("does not listen on port", server.Output);
    }

    [Fact]
    public async Task A_public_address_on_another_port_than_the_server_listens_on_is_said_to_need_a_proxy()
    {
        using var folder = new TemporaryFolder();
        await using var server = await new ServerProcess(folder.Path, new Dictionary<string, string> { ["Mdm:PublicUrl"] = "https://mdm.district.example" }).Start();
        Assert.Equal(0, await server.Stop());

        Assert.Contains("  The server itself does not listen on port 443: a proxy has to pass it on. Without a proxy, set Http:Listen.", server.Output);
    }

    [Fact]
    public async Task A_variable_with_one_underscore_is_named_and_one_of_somebody_else_is_not()
    {
        using var folder = new TemporaryFolder();
        await using var server = await new ServerProcess(folder.Path, environment: new Dictionary<string, string>
        {
            ["FLEETMDM_MDM__PUBLICURL"] = "https://mdm.district.example",
            ["FLEETMDM_SERVICE_HOST"] = "10.0.0.1",
        }).Start();
        Assert.Equal(0, await server.Stop());

        Assert.Contains(" warn: ", server.Output);
        Assert.Contains("FLEETMDM_MDM__PUBLICURL of the environment is no option", server.Output);
        Assert.DoesNotContain("FLEETMDM_SERVICE_HOST", server.Output);
    }

    [Fact]
    public async Task A_healthy_first_start_warns_of_nothing()
    {
        using var folder = new TemporaryFolder();
        await using var server = await new ServerProcess(folder.Path).Start();
        Assert.DoesNotContain(" warn: ", server.Output);
        Assert.DoesNotContain(" fail: ", server.Output);
    }
}
