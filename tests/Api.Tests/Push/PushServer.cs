using System.Net.Http.Headers;
using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Silo.Hosting;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Apns;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Push;

/// <summary>A whole server, as a new user starts it, that pushes to a simulated APNs.</summary>
public sealed class PushServer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private WebApplication? _app;
    private ApnsSimulator? _apns;
    private HttpClient? _admin;

    public ApnsSimulator Apns => _apns!;

    /// <summary>Speaks as the first administrator.</summary>
    public HttpClient Admin => _admin!;

    public IGrainFactory Grains => _app!.Services.GetRequiredService<IGrainFactory>();

    /// <param name="further">Options of a server that differs.</param>
    public static async Task<PushServer> Start(params string[] further)
    {
        var server = new PushServer();
        try
        {
            await server.Run(further);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public Task<HttpResponseMessage> Put(string pem, string? password = null, string query = "") =>
        Put(Encoding.ASCII.GetBytes(pem), "application/x-pem-file", password, query);

    public async Task<HttpResponseMessage> Put(byte[] content, string? type, string? password = null, string query = "")
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "/api/v1/push-certificate" + query) { Content = new ByteArrayContent(content) };
        if (type is not null)
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        if (password is not null)
            request.Headers.TryAddWithoutValidation("X-Certificate-Password", password);
        return await Admin.SendAsync(request);
    }

    /// <summary>An iPad that enrolled under a topic.</summary>
    public async Task Enrol(string topic)
    {
        var id = $"00008112-{Guid.NewGuid():N}".ToUpperInvariant();
        var grain = _app!.Services.GetRequiredService<IGrainFactory>().GetGrain<IDeviceGrain>(id);
        var reply = await grain.Authenticate(
            new AuthenticateMessage { Topic = topic, Udid = id }, new PresentedCertificate(Guid.NewGuid().ToByteArray().Concat(new byte[16]).ToArray(), DateTimeOffset.MaxValue));
        Assert.Equal(DeviceRefusal.None, reply.Refusal);
    }

    public async ValueTask DisposeAsync()
    {
        _admin?.Dispose();
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }
        if (_apns is not null)
            await _apns.DisposeAsync();
        _folder.Dispose();
    }

    private async Task Run(string[] further)
    {
        _apns = await ApnsSimulator.StartAsync();
        await File.WriteAllTextAsync(_folder.File("apns.pem"), _apns.Authority.RootPem);
        _app = ServerHost.Build(
        [
            $"--Storage:DataDirectory={_folder.File("data")}",
            "--Http:Listen=http://127.0.0.1:0",
            "--Mdm:PublicUrl=https://mdm.test",
            $"--Push:Endpoint={_apns.Endpoint}",
            $"--Push:TrustedRootFile={_folder.File("apns.pem")}",
            .. further,
        ]);
        await FleetProcess.Start(_app, CancellationToken.None);
        var address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        var token = await FirstToken.Ensure(_app.Services.GetRequiredService<IGrainFactory>(), _folder.File("data"));
        _admin = new HttpClient { BaseAddress = new Uri(address) };
        _admin.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }
}
