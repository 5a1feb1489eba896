using FleetMdm.EndToEnd.Server;

namespace FleetMdm.EndToEnd.Demo;

/// <summary>The demo as its users start it.</summary>
public sealed class DemoTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task The_demo_with_20_iPads_ends_with_nothing_lost()
    {
        var (exitCode, output) = await ServerProcess.RunToEnd(["demo", "--ipads", "20", "--exit"], Patience);

        // DeviceInformation, SecurityInfo and InstallProfile on all, EraseDevice on one.
        Assert.Equal("demo: 20 iPads enrolled, 61 commands acknowledged, 0 lost", output.TrimEnd().Split('\n')[^1].TrimEnd());
        Assert.Equal(0, exitCode);
    }

    [Theory]
    [InlineData("--ipads")]
    [InlineData("--ipads", "none")]
    [InlineData("--ipads", "0")]
    [InlineData("--ipads", "1000000")]
    [InlineData("--ipads", "20", "--ipads", "20")]
    [InlineData("--leave")]
    [InlineData("--exit", "--exit")]
    public async Task A_wrong_option_is_told_in_one_sentence(params string[] options)
    {
        var (exitCode, output) = await ServerProcess.RunToEnd(["demo", .. options]);

        Assert.Equal(2, exitCode);
        Assert.Single(output.TrimEnd().Split('\n'));
        Assert.Contains(options[0].TrimStart('-'), output, StringComparison.Ordinal);
    }
}
