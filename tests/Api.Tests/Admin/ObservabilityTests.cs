using System.Net;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Admin;

public sealed class ObservabilityTests(AdminServer server)
{
    [Theory]
    [InlineData("/health/live", "alive")]
    [InlineData("/health/ready", "ready")]
    public async Task Health_needs_no_token(string path, string word)
    {
        using var anyone = server.Client();
        Assert.Equal(word, (await anyone.GetStringAsync(path)).Trim());
    }

    [Fact]
    public async Task Metrics_need_a_token_and_hold_those_of_every_part()
    {
        using var anyone = server.Client();
        using var refused = await anyone.GetAsync("/metrics");
        await AdminServer.Problem(refused, 401);

        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        using var status = await viewer.GetAsync("/api/v1/status");
        var metrics = await viewer.GetStringAsync("/metrics");
        foreach (var name in new[] { "fleetmdm_admission_running", "orleans_", "http_server_request_duration", "dotnet_" })
            Assert.Contains(name, metrics);
        // What goes through the whole fleet for one number is not among them.
        Assert.DoesNotContain("orleans_directory_cache_size", metrics);
    }

    [Fact]
    public async Task The_dashboard_shows_silos_and_grains_without_reading_all_counters_once_a_second()
    {
        await server.Enrol();
        var silo = server.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress.ToParsableString();
        foreach (var path in new[] { "DashboardCounters", "ClusterStats", "TopGrainMethods", $"SiloProperties/{silo}", $"SiloStats/{silo}", $"HistoricalStats/{silo}", $"SiloCounters/{silo}" })
        {
            using var response = await server.Admin.GetAsync($"/orleans/{path}");
            Assert.Equal((path, HttpStatusCode.OK), (path, response.StatusCode));
            if (path == "DashboardCounters") Assert.Contains("Active", await response.Content.ReadAsStringAsync());
        }

        // Whoever reads all counters at intervals does so on a thread with this name (the kernel keeps its first 15 letters).
        if (OperatingSystem.IsLinux())
            Assert.DoesNotContain("OpenTelemetry-P", Directory.GetDirectories("/proc/self/task").Select(NameOfThread));
    }

    /// <summary>Of one that has ended meanwhile: none.</summary>
    private static string NameOfThread(string task)
    {
        try
        {
            return File.ReadAllText($"{task}/comm").Trim();
        }
        catch (IOException)
        {
            return "";
        }
    }

    [Fact]
    public async Task Status_tells_version_counts_and_that_no_push_certificate_is_installed()
    {
        await server.Enrol();
        using var response = await server.Admin.GetAsync("/api/v1/status");
        var status = await AdminServer.Body(response, 200);
        Assert.Matches(@"^\d+\.\d+\.\d+", (string?)status["version"]);
        Assert.InRange((long)status["devices"]!["enrolled"]!, 1, 100_000);
        Assert.True(status.ContainsKey("pushCertificate"));
        Assert.Null(status["pushCertificate"]);
    }

    [Fact]
    public async Task The_dashboard_is_served_with_its_assets_to_administrators()
    {
        using var response = await server.Admin.GetAsync("/orleans/");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("<html", await response.Content.ReadAsStringAsync());
        using var anyone = server.Client();
        foreach (var path in new[] { "/orleans/", "/orleans/DashboardCounters", "/orleans/index.min.js" })
        {
            using var refused = await anyone.GetAsync(path);
            Assert.Equal((path, HttpStatusCode.Unauthorized), (path, refused.StatusCode));
        }
    }
}
