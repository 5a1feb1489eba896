using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Tests.Admin;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.Enrolment;

namespace FleetMdm.Api.Tests.Automated;

/// <summary>A whole server whose Apple is simulated, and which knows who made the simulated iPads.</summary>
public sealed class AutomatedHost : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    public DeviceEnrolmentSimulator Apple { get; private set; } = null!;

    public DeviceAuthority Factory { get; } = new();

    public AdminServer Server { get; private set; } = null!;

    /// <summary>Further options of the server.</summary>
    public IReadOnlyList<string> More { get; init; } = [];

    public HttpClient Admin => Server.Admin;

    public async ValueTask InitializeAsync()
    {
        Apple = await DeviceEnrolmentSimulator.StartAsync(new DeviceEnrolmentOptions { MostInPage = 100 });
        await File.WriteAllTextAsync(_folder.File("apple.pem"), Apple.RootPem);
        await File.WriteAllTextAsync(_folder.File("factory.pem"), Factory.Pem);
        Server = new AdminServer
        {
            Arguments =
            [
                $"--Automated:Endpoint={Apple.Endpoint.GetLeftPart(UriPartial.Authority)}", $"--Automated:TrustedRootFile={_folder.File("apple.pem")}",
                $"--OverTheAir:DeviceCaFiles={_folder.File("factory.pem")}", .. More,
            ],
        };
        await Server.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Apple.DisposeAsync();
        Factory.Dispose();
        _folder.Dispose();
    }

    public async Task InstallPushCertificate()
    {
        using var apns = new ApnsAuthority();
        using var minted = apns.MintPushCertificate("com.apple.mgmt.External.11111111-2222-3333-4444-555555555555");
        var installed = await Server.Grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Install(new PushCertificateUpload(Encoding.ASCII.GetBytes(minted.ToPem()), null, false));
        Assert.Equal(PushCertificateOutcome.Installed, installed.Outcome);
    }

    public async Task<JsonObject> Post(string path, string json, int status = 201)
    {
        using var answer = await Admin.PostAsync("/api/v1/automated/" + path, AdminServer.Json(json));
        return await AdminServer.Body(answer, status);
    }

    public async Task<JsonObject> Get(string path)
    {
        using var answer = await Admin.GetAsync("/api/v1/automated/" + path);
        return await AdminServer.Body(answer, 200);
    }

    /// <summary>A service without a token: its id and its certificate.</summary>
    public async Task<(string Id, string Pem)> NewServer(string? profile = null)
    {
        var server = await Post("servers", $$"""{"name": "{{Guid.NewGuid():N}}"{{(profile is null ? "" : $", \"profileId\": \"{profile}\"")}}}""");
        var id = (string)server["id"]!;
        return (id, await Admin.GetStringAsync($"/api/v1/automated/servers/{id}/certificate"));
    }

    /// <summary>A service that is connected, with these iPads, and its list is here.</summary>
    public async Task<(string Id, SimulatedMdmServer Portal)> Connect(string? profile, params string[] serials)
    {
        var (id, pem) = await NewServer(profile);
        var portal = Apple.Portal.AddServer(id[..8], pem);
        Apple.Portal.Assign(portal, serials);
        using var taken = await Upload(id, Apple.Portal.DownloadToken(portal));
        await AdminServer.Body(taken, 200);
        await Until(async () => (long)(await Get($"servers/{id}"))["devices"]! == serials.Length && (await Get($"servers/{id}"))["fetchedAt"] is not null, "the list is here");
        return (id, portal);
    }

    public async Task<HttpResponseMessage> Upload(string id, byte[] file)
    {
        using var content = new ByteArrayContent(file) { Headers = { ContentType = new MediaTypeHeaderValue("application/pkcs7-mime") } };
        return await Admin.PutAsync($"/api/v1/automated/servers/{id}/token", content);
    }

    public static async Task Until(Func<Task<bool>> there, string what)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (!await there())
        {
            if (patience.IsCancellationRequested) throw new TimeoutException($"It did not come so far: {what}.");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, CancellationToken.None);
        }
    }
}
