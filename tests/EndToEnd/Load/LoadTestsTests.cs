using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.EndToEnd.Server;
using FleetMdm.Testing;

namespace FleetMdm.EndToEnd.Load;

/// <summary>The load tests as a program: small, but against a real server and with each way in which an iPad says who it is.</summary>
public sealed class LoadTestsTests
{
    private const int IPads = 60;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly string LoadTests = Path.Combine(AppContext.BaseDirectory, "FleetMdm.LoadTests.dll");

    [Theory]
    [InlineData("header")]
    [InlineData("signature")]
    [InlineData("mtls")]
    public async Task Enrolments_are_counted_whoever_vouches_for_the_iPad(string identity)
    {
        using var folder = new TemporaryFolder();
        var (json, html) = (folder.File("result.json"), folder.File("result.html"));

        var (exit, output) = await Run(
            "enrol", "--ipads", $"{IPads}", "--storage", "sqlite", "--keys", "ec", "--connections", "4", "--identity", identity, "--json", json, "--html", html);

        Assert.True(exit == 0, output);
        var result = JsonNode.Parse(await File.ReadAllTextAsync(json))!;
        var phase = Assert.Single(result["phases"]!.AsArray())!;
        Assert.Equal(IPads, phase["requests"]!.GetValue<int>());
        Assert.Equal(["200"], phase["statuses"]!.AsObject().Select(status => status.Key));
        Assert.All(result["checks"]!.AsArray(), check => Assert.True(check!["holds"]!.GetValue<bool>(), output));
        var page = await File.ReadAllTextAsync(html);
        Assert.Contains("<svg", page, StringComparison.Ordinal);
        Assert.DoesNotContain(" src=", page, StringComparison.Ordinal);
        Assert.DoesNotContain(" href=", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task In_a_storm_of_connections_every_iPad_is_served_though_few_handshakes_are_under_way()
    {
        using var folder = new TemporaryFolder();
        var json = folder.File("result.json");

        var (exit, output) = await Run(
            "storm", "--ipads", $"{IPads}", "--storage", "sqlite", "--keys", "ec", "--server", "Limits:TlsHandshakes=1", "--json", json);

        Assert.True(exit == 0, output);
        var result = JsonNode.Parse(await File.ReadAllTextAsync(json))!;
        var phase = Assert.Single(result["phases"]!.AsArray())!;
        Assert.Equal(IPads, phase["statuses"]!["200"]!.GetValue<int>());
    }

    [Fact]
    public async Task Licences_are_given_with_no_request_to_Apple_that_was_not_needed()
    {
        using var folder = new TemporaryFolder();
        var json = folder.File("result.json");

        var (exit, output) = await Run("licences", "--ipads", $"{IPads}", "--storage", "sqlite", "--keys", "ec", "--connections", "4", "--json", json);

        Assert.True(exit == 0, output);
        var figures = JsonNode.Parse(await File.ReadAllTextAsync(json))!["figures"]!.AsArray();
        Assert.Equal(1, figures.Single(figure => (string)figure!["what"]! == "requests that give licences")!["value"]!.GetValue<double>());
    }

    [Fact]
    public async Task Stopped_in_the_middle_they_leave_no_server_no_PostgreSQL_and_no_folder_behind()
    {
        using var folder = new TemporaryFolder();
        // PostgreSQL's own user has to get in.
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(folder.Path, (UnixFileMode)0b111_101_101);
        var output = new StringBuilder();
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var process = ServerProcess.Launch(
            ["idle", "--ipads", $"{IPads}", "--keys", "ec", "--no-baseline"], new Dictionary<string, string> { ["TMPDIR"] = folder.Path }, line =>
            {
                lock (output) output.AppendLine(line);
                if (line.Contains("making", StringComparison.Ordinal)) started.TrySetResult();
            }, LoadTests);
        var ended = process.WaitForExitAsync();
        Assert.True(await Task.WhenAny(started.Task, ended).WaitAsync(Patience) == started.Task, Output());
        Assert.NotEmpty(ProcessesThatName(folder.Path));

        ServerProcess.Terminate(process);
        await ended.WaitAsync(Patience);

        process.WaitForExit();
        Assert.Equal(143, process.ExitCode);
        Assert.Contains("loadtests: stopped", Output(), StringComparison.Ordinal);
        Assert.DoesNotContain("left behind", Output(), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path, "fleetmdm-*"));
        Assert.Empty(ProcessesThatName(folder.Path));

        string Output()
        {
            lock (output) return output.ToString();
        }
    }

    [Theory]
    [InlineData("There is no scenario afternoon", "afternoon")]
    [InlineData("There is no option --loud", "idle", "--loud", "very")]
    [InlineData("--ipads", "idle", "--ipads", "many")]
    [InlineData("--nodes needs", "idle", "--nodes", "3", "--storage", "sqlite")]
    [InlineData("--sticky needs", "idle", "--sticky")]
    [InlineData("--sticky needs", "soak", "--nodes", "3", "--sticky")]
    public async Task What_is_not_understood_is_one_sentence_and_exit_code_2(string sentence, params string[] arguments)
    {
        var (exit, output) = await Run(arguments);

        Assert.Equal(2, exit);
        Assert.Contains(sentence, Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    private static IEnumerable<string> ProcessesThatName(string folder) =>
        from entry in Directory.EnumerateDirectories("/proc")
        where int.TryParse(Path.GetFileName(entry), out _)
        let command = CommandLine(entry)
        where command.Contains(folder, StringComparison.Ordinal)
        select command;

    private static string CommandLine(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline"));
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return "";
        }
    }

    private static Task<(int ExitCode, string Output)> Run(params string[] arguments) =>
        ServerProcess.RunToEnd(arguments, Patience, LoadTests);
}
