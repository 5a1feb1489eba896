using System.Net;
using System.Net.Sockets;
using FleetMdm.Testing;

namespace FleetMdm.EndToEnd.Server;

/// <summary>The server as an operator starts and stops it.</summary>
public sealed class StartAndStopTests
{
    [Theory]
    [InlineData(2, "Lisen", "--Http:Lisen=https://*:8443")]
    [InlineData(2, "Http:Listen", "--Http:Listen=ftp://x")]
    [InlineData(2, "Http:RedirectListen", "--Http:RedirectListen=https://*:80")]
    [InlineData(2, "Nope", "--Nope:Key=1")]
    [InlineData(2, "serve", "serve")]
    [InlineData(2, "PublicUrl", "--Mdm:PublicUrl=http://insecure.example")]
    [InlineData(2, "Cluster:Role", "--Cluster:Role=Silo")]
    [InlineData(2, "Push:Endpoint", "--Push:Endpoint=nowhere")]
    [InlineData(2, "MasterKey", "--Secrets:MasterKey=short")]
    [InlineData(2, "Http:CertificateFile", "--Http:CertificateFile=/nowhere.pem")]
    [InlineData(2, "Mdm:Nothing", "--Mdm:Nothing=1")]
    [InlineData(2, "Cluster:Nothing", "--Cluster:Nothing=1")]
    [InlineData(2, "Storage:Nothing", "--Storage:Nothing=1")]
    [InlineData(2, "Secrets:Nothing", "--Secrets:Nothing=1")]
    [InlineData(2, "Ca:Nothing", "--Ca:Nothing=1")]
    [InlineData(2, "Scep:Nothing", "--Scep:Nothing=1")]
    [InlineData(2, "Push:Nothing", "--Push:Nothing=1")]
    [InlineData(2, "Queue:Nothing", "--Queue:Nothing=1")]
    [InlineData(2, "Limits:Nothing", "--Limits:Nothing=1")]
    [InlineData(2, "Retention:Nothing", "--Retention:Nothing=1")]
    [InlineData(2, "Metrics:Nothing", "--Metrics:Nothing=1")]
    [InlineData(1, "PostgreSQL cannot be reached", "--Storage:Provider=PostgreSQL", "--Storage:ConnectionString=Host=127.0.0.1;Port=1;Username=x;Database=y",
        "--Secrets:MasterKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    public async Task What_keeps_it_from_starting_is_told_in_one_sentence(int exitCode, string names, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var (code, output) = await ServerProcess.RunToEnd([.. arguments, $"--Storage:DataDirectory={folder.Path}"]);

        Assert.Equal(exitCode, code);
        Assert.Contains(names, output);
        Assert.Single(output.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("health", "-h")]
    [InlineData("migrate", "--help")]
    [InlineData("backup", "--help")]
    [InlineData("restore", "--help")]
    [InlineData("rekey", "--help")]
    [InlineData("admin-token", "--help")]
    public async Task Each_command_says_what_it_is_for(string command, string flag)
    {
        var (code, output) = await ServerProcess.RunToEnd([command, flag]);

        Assert.Equal(0, code);
        Assert.StartsWith($"  fleetmdm {command}", output);
    }

    [Fact]
    public async Task A_port_in_use_ends_the_start_with_a_sentence()
    {
        using var folder = new TemporaryFolder();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var (code, output) = await ServerProcess.RunToEnd(
        [
            $"--Http:Listen=https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}", $"--Storage:DataDirectory={folder.Path}",
            "--Logging:LogLevel:Default=Critical", "--Logging:LogLevel:FleetMdm=Critical",
        ]);

        Assert.Equal(1, code);
        Assert.Contains("address already in use", output);
        Assert.Single(output.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_database_that_does_not_answer_in_time_is_asked_again()
    {
        using var folder = new TemporaryFolder();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var ended = ServerProcess.RunToEnd(
        [
            "--Storage:Provider=PostgreSQL",
            $"--Storage:ConnectionString=Host=127.0.0.1;Port={((IPEndPoint)listener.LocalEndpoint).Port};Username=x;Database=y;SSL Mode=Disable;Timeout=1",
            $"--Secrets:MasterKey={Convert.ToBase64String(new byte[32])}", $"--Storage:DataDirectory={folder.Path}",
        ]);

        // The first connection is taken and not answered. The second one is refused by cutting it.
        using var silent = await listener.AcceptTcpClientAsync().WaitAsync(ServerProcess.Patience);
        using (await listener.AcceptTcpClientAsync().WaitAsync(ServerProcess.Patience)) listener.Stop();

        var (code, output) = await ended;
        Assert.Equal(1, code);
        Assert.Contains("PostgreSQL cannot be reached", output);
    }

    [Fact]
    public async Task Metrics_go_to_where_OpenTelemetrys_own_variables_say()
    {
        using var folder = new TemporaryFolder();
        using var collector = new TcpListener(IPAddress.Loopback, 0);
        collector.Start();
        await using var server = await new ServerProcess(folder.Path, environment: new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://127.0.0.1:{((IPEndPoint)collector.LocalEndpoint).Port}",
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
        }).Start();

        using var connection = await collector.AcceptTcpClientAsync().WaitAsync(ServerProcess.Patience);
        using var reader = new StreamReader(connection.GetStream());
        Assert.StartsWith("POST /v1/", await reader.ReadLineAsync().WaitAsync(ServerProcess.Patience));
    }

    [Fact]
    public async Task Told_to_stop_it_ends_in_order_and_starts_again_with_the_same_token_and_CA()
    {
        using var folder = new TemporaryFolder();
        await using var server = await new ServerProcess(folder.Path).Start();
        var token = server.AdminToken;
        var root = (await server.Trust()).Roots.Single().Thumbprint;
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder.File("admin-token")));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder.File("master.key")));
        }

        Assert.Single(Mentions(server.Output, folder.File("admin-token")));
        Assert.Equal(0, await server.Stop());

        await server.Start();
        Assert.Equal(token, server.AdminToken);
        Assert.Equal(root, (await server.Trust()).Roots.Single().Thumbprint);
        Assert.Single(Mentions(server.Output, folder.File("admin-token")));
        // What a server prints is kept in journals.
        Assert.Empty(Mentions(server.Output, token));

        static IEnumerable<string> Mentions(string output, string text) => output.Split('\n').Where(line => line.Contains(text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Told_to_stop_before_it_listens_it_ends_without_a_fault()
    {
        using var folder = new TemporaryFolder();
        await using var server = new ServerProcess(folder.Path);

        // By then it hears signals, and most of the start is still to come.
        var (code, output) = await server.StopWhileStarting(() => server.Output.Contains("Storage is ready", StringComparison.Ordinal));

        Assert.Equal(0, code);
        Assert.DoesNotContain("Unhandled exception", output);
        Assert.DoesNotContain("listens on", output);
    }

    [Fact]
    public async Task Migrate_brings_the_schema_up_to_date_and_says_so_the_second_time()
    {
        using var folder = new TemporaryFolder();
        var first = await ServerProcess.RunToEnd(["migrate", $"--Storage:DataDirectory={folder.Path}"]);
        var second = await ServerProcess.RunToEnd(["migrate", $"--Storage:DataDirectory={folder.Path}"]);

        Assert.Equal((0, 0), (first.ExitCode, second.ExitCode));
        Assert.Contains("Applied", first.Output);
        Assert.Contains("The schema is up to date.", second.Output);
    }

    [Fact]
    public async Task Health_answers_by_its_exit_code()
    {
        using var folder = new TemporaryFolder();
        await using var server = await new ServerProcess(folder.Path).Start();
        string[] health = ["health", $"--Http:Listen=https://127.0.0.1:{server.Port}"];

        // As often as a container asks before it gives a server up: a busy machine can be late once.
        var up = await ServerProcess.RunToEnd(health);
        for (var asked = 1; asked < 3 && up.ExitCode != 0; asked++) up = await ServerProcess.RunToEnd(health);
        await server.Stop();
        var down = await ServerProcess.RunToEnd(health);

        Assert.Equal((0, "200 ready\n"), up);
        Assert.Equal(1, down.ExitCode);
        Assert.Contains("the server does not answer", down.Output);
    }
}
