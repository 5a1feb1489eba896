using FleetMdm.Api.Hosting;
using FleetMdm.Silo.Hosting;
using FleetMdm.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>A server that takes one request of administrators at a time, and lets one wait.</summary>
public sealed class FullServerTests
{
    [Fact]
    public async Task A_full_server_answers_503_with_a_time_to_come_again_while_iPads_and_health_are_served()
    {
        using var folder = new TemporaryFolder();
        await using var app = ServerHost.Build(
        [
            $"--Storage:DataDirectory={folder.File("data")}", "--Http:Listen=http://127.0.0.1:0",
            "--Limits:AdminConcurrency=1", "--Limits:AdminQueue=0",
        ]);
        var (entered, leave) = (new TaskCompletionSource(), new TaskCompletionSource());
        app.MapGet("/slow", async () =>
        {
            entered.SetResult();
            await leave.Task;
        }).WithMetadata(FleetMdm.Api.Limits.AdmissionMetadata.Admin);
        await FleetProcess.Start(app, CancellationToken.None);
        using var client = new HttpClient
        {
            BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()),
        };

        var slow = client.GetAsync("/slow");
        await entered.Task.WaitAsync(TimeSpan.FromMinutes(3));
        using var refused = await client.GetAsync("/api/v1/status");
        Assert.Equal("busy", (string?)(await AdminServer.Problem(refused, 503))["code"]);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 5);

        using var health = await client.GetAsync("/health/ready");
        Assert.Equal(200, (int)health.StatusCode);
        using var device = await client.PutAsync("/mdm/checkin", new StringContent("nonsense"));
        Assert.Equal(400, (int)device.StatusCode);

        leave.SetResult();
        using var done = await slow;
        using var served = await client.GetAsync("/api/v1/status");
        Assert.Equal(401, (int)served.StatusCode);
        await app.StopAsync();
    }
}
