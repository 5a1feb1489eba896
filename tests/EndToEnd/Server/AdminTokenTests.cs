using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Administration;

namespace FleetMdm.EndToEnd.Server;

/// <summary><c>admin-token</c>: for those who have lost their last token, and have the machine.</summary>
public sealed class AdminTokenTests : IDisposable
{
    private readonly TemporaryFolder _data = new();
    private readonly TemporaryFolder _elsewhere = new();

    public void Dispose()
    {
        _data.Dispose();
        _elsewhere.Dispose();
    }

    private string TokenFile => _elsewhere.File("token");

    [Fact]
    public async Task On_SQLite_it_makes_a_token_that_works_and_that_is_on_record() => await MakesAToken(new Dictionary<string, string>());

    [Fact]
    public async Task On_PostgreSQL_it_makes_a_token_that_works_and_that_is_on_record()
    {
        await using var database = await PostgresDatabase.Create();
        await MakesAToken(new Dictionary<string, string>
        {
            ["Storage:Provider"] = "PostgreSQL",
            ["Storage:ConnectionString"] = database.ConnectionString,
            ["Secrets:MasterKey"] = Convert.ToBase64String(new byte[32]),
        });
    }

    private async Task MakesAToken(Dictionary<string, string> options)
    {
        await using var server = await new ServerProcess(_data.Path, options).Start();
        string[] command = ["admin-token", TokenFile, $"--Storage:DataDirectory={_data.Path}", .. options.Select(option => $"--{option.Key}={option.Value}")];
        var early = await ServerProcess.RunToEnd(command);
        Assert.Equal(1, early.ExitCode);
        Assert.Contains("top it first", early.Output);
        Assert.Single(early.Output.TrimEnd().Split('\n'));
        Assert.False(File.Exists(TokenFile));
        var first = server.AdminToken;
        File.Delete(_data.File("admin-token"));
        Assert.Equal(0, await server.Stop());

        var (code, output) = await ServerProcess.RunToEnd(command);
        Assert.True(code == 0, output);
        var token = (await File.ReadAllTextAsync(TokenFile)).Trim();
        Assert.DoesNotContain(token, output);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(TokenFile));
        Assert.Equal((2, true), ((await ServerProcess.RunToEnd(command)).ExitCode, File.ReadAllText(TokenFile).Contains(token)));

        await server.Start();
        Assert.NotEqual(first, token);
        using var admin = new AdminClient(server.Url, token, await server.Trust());
        var record = Assert.Single((await admin.GetAsync("/api/v1/audit?verb=token.create"))["items"]!.AsArray())!;
        Assert.Equal(("server", "done"), ((string?)record["actorKind"], (string?)record["result"]));
        Assert.Contains("admin-token", (string?)record["detail"]);
        var tokens = (await admin.GetAsync("/api/v1/tokens"))["items"]!.AsArray();
        Assert.Equal(2, tokens.Count);
    }

    [Fact]
    public async Task Without_the_master_key_there_is_no_token()
    {
        await using (var server = await new ServerProcess(_data.Path).Start()) Assert.Equal(0, await server.Stop());
        File.Delete(_data.File("master.key"));

        var (code, output) = await ServerProcess.RunToEnd(["admin-token", TokenFile, $"--Storage:DataDirectory={_data.Path}"]);

        Assert.Equal(2, code);
        Assert.Contains("The master key", output);
        Assert.Single(output.TrimEnd().Split('\n'));
        Assert.False(File.Exists(TokenFile));
    }

    [Theory]
    [InlineData("needs a file")]
    [InlineData("There is no database at", "token")]
    [InlineData("There is no folder", "no/such/token")]
    public async Task What_is_wrong_is_said_and_nothing_is_made(string says, params string[] file)
    {
        var folder = _data.File("none");
        var (code, output) = await ServerProcess.RunToEnd(["admin-token", .. file.Select(_elsewhere.File), $"--Storage:DataDirectory={folder}"]);

        Assert.Equal(2, code);
        Assert.Contains(says, output);
        Assert.Single(output.TrimEnd().Split('\n'));
        Assert.False(Directory.Exists(folder));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_elsewhere.Path));
    }
}
