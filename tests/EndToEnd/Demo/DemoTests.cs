using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FleetMdm.EndToEnd.Server;
using FleetMdm.Silo.Demo;

namespace FleetMdm.EndToEnd.Demo;

/// <summary>The demo as its users start it.</summary>
public sealed class DemoTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task The_demo_with_20_iPads_ends_with_nothing_lost()
    {
        var (exitCode, output) = await ServerProcess.RunToEnd(["demo", "--ipads", "20", "--exit"], Patience);

        // DeviceInformation and InstalledApplicationList on all, SecurityInfo on all but two (one sleeps, one says NotNow), the Wi-Fi profile on all but three
        // (one fails), the rules on four of the eight in two schools (one sleeps, one fails, two are left out), ProfileList on all but the one that
        // sleeps, EraseDevice on one, and one more InstallProfile that renews a certificate. Of ten out of the box: a name, DeviceInformation, a profile, an app, DeviceConfigured.
        Assert.Equal("demo: 30 iPads enrolled, 155 commands acknowledged, 0 lost", output.TrimEnd().Split('\n')[^1].TrimEnd());
        Assert.Equal(0, exitCode);
        Assert.Equal("6", Cell(output, "commands that wait for them"));
        Assert.Equal("2", Cell(output, "commands that failed"));
        Assert.Equal("2", Cell(output, "iPads left out, since they are not supervised"));
    }

    [Fact]
    public async Task Three_iPads_are_enough_for_the_demo()
    {
        var (exitCode, output) = await ServerProcess.RunToEnd(["demo", "--ipads", "3", "--exit"], Patience);

        Assert.Equal("demo: 13 iPads enrolled, 71 commands acknowledged, 0 lost", output.TrimEnd().Split('\n')[^1].TrimEnd());
        Assert.Equal(0, exitCode);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("--ipads", "5", "--help")]
    public async Task Help_names_each_option_and_starts_nothing(params string[] options)
    {
        var (exitCode, output) = await ServerProcess.RunToEnd(["demo", .. options]);

        Assert.Equal(0, exitCode);
        Assert.All(["--ipads", "--port", "--exit", "--help"], option => Assert.Contains(option, output, StringComparison.Ordinal));
        Assert.DoesNotContain("starting", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_told_in_one_sentence()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        var (exitCode, output) = await ServerProcess.RunToEnd(["demo", "--port", port.ToString(CultureInfo.InvariantCulture)]);

        Assert.Equal(1, exitCode);
        Assert.Equal($"fleetmdm: Port {port} is in use: choose another one with --port, or leave the option out.", output.Trim());
    }

    [Fact]
    public void Its_iPads_differ_as_those_of_a_district_do()
    {
        var ipads = Enumerable.Range(0, 200).Select(DemoFleet.Number).ToList();
        var described = ipads.Select(ipad => ipad.Description).ToList();

        Assert.Equal(200, described.Select(ipad => ipad.Udid).Distinct().Count());
        Assert.Equal(200, described.Select(ipad => ipad.Name).Distinct().Count());
        Assert.Contains("NS-7B-001", Enumerable.Range(0, 2_000).Select(number => DemoFleet.Number(number).Description.Name));
        Assert.Equal(DemoFleet.Schools.Count, ipads.Select(ipad => ipad.School).Distinct().Count());
        Assert.Equal(["15", "16", "17", "18", "26"], described.Select(ipad => ipad.OsVersion.Split('.')[0]).Distinct().Order());
        Assert.True(described.Select(ipad => ipad.ProductName).Distinct().Count() > 5);
        // One name for each product, and one build for each version.
        Assert.All(described.GroupBy(ipad => ipad.ProductName), same => Assert.Single(same.Select(ipad => ipad.ModelName).Distinct()));
        Assert.All(described.GroupBy(ipad => ipad.OsVersion), same => Assert.Single(same.Select(ipad => ipad.BuildVersion).Distinct()));
        Assert.Equal([false, true], described.Select(ipad => ipad.Supervised).Distinct().Order());
        Assert.All(described, ipad => Assert.InRange(ipad.AvailableGigabytes!.Value, 0.1, ipad.CapacityGigabytes));
        Assert.All(described, ipad => Assert.InRange(ipad.BatteryLevel!.Value, 0, 1));
        Assert.Contains(described, ipad => ipad.AvailableGigabytes < 2);
        Assert.All(Enum.GetValues<DemoPart>(), part => Assert.Contains(ipads, ipad => ipad.Part == part));
    }

    [Theory]
    [InlineData("--ipads")]
    [InlineData("--ipads", "none")]
    [InlineData("--ipads", "0")]
    [InlineData("--ipads", "1000000")]
    [InlineData("--ipads", "20", "--ipads", "20")]
    [InlineData("--port")]
    [InlineData("--port", "0")]
    [InlineData("--port", "65536")]
    [InlineData("--port", "8443", "--port", "8443")]
    [InlineData("--leave")]
    [InlineData("--exit", "--exit")]
    public async Task A_wrong_option_is_told_in_one_sentence(params string[] options)
    {
        var (exitCode, output) = await ServerProcess.RunToEnd(["demo", .. options]);

        Assert.Equal(2, exitCode);
        Assert.Single(output.TrimEnd().Split('\n'));
        Assert.Contains(options[0].TrimStart('-'), output, StringComparison.Ordinal);
    }

    /// <summary>What stands beside a name in one of the tables.</summary>
    private static string Cell(string output, string name) =>
        output.Split('\n').Single(line => line.Contains(name, StringComparison.Ordinal)).Split('│')[2].Trim();
}
