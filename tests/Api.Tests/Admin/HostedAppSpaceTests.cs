using FleetMdm.Storage.Apps;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Uploads of apps on a disk that gets full.</summary>
public sealed class HostedAppSpaceTests : IAsyncLifetime
{
    private const long MiB = 1024 * 1024;

    private readonly Disk _disk = new();
    private readonly AdminServer _server;

    public HostedAppSpaceTests() => _server = new AdminServer { Configure = builder => builder.Services.AddSingleton<IStoreSpace>(_disk) };

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task<HttpResponseMessage> Upload(byte[] file, bool chunked = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/apps") { Content = HostedAppTests.Body(file), Headers = { TransferEncodingChunked = chunked } };
        return await _server.Admin.SendAsync(request);
    }

    /// <summary>How many pieces of uploads stand that belong to no app.</summary>
    private Task<int> Left() => _server.Services.GetRequiredService<IHostedAppStore>().DropUnfinished(DateTimeOffset.MaxValue, 1000);

    [Fact]
    public async Task An_app_for_which_the_disk_has_no_room_is_refused_with_the_figures_before_a_byte_is_kept()
    {
        var file = HostedAppTests.Ipa("org.example.large", padding: (int)(5 * MiB));
        foreach (var (disk, within, taken) in new[] { (68 * MiB, 0L, false), (63 * MiB, 100 * MiB, false), (65 * MiB, 6 * MiB, true), (71 * MiB, 0L, true) })
        {
            (_disk.Free, _disk.Looks) = (new StoreSpace(disk, within), 0);
            using var answer = await Upload(file);
            if (taken)
            {
                Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
                continue;
            }

            var problem = await AdminServer.Problem(answer, 503);
            Assert.Contains($"The upload has 6 MiB, and the disk of the database has {disk / MiB} MiB free", (string)problem["detail"]!);
            Assert.Equal(1, _disk.Looks);
        }

        Assert.Equal(0, await Left());
    }

    [Fact]
    public async Task An_upload_that_fails_leaves_no_piece_behind()
    {
        // It did not say how large it is, and the disk gets full on the way.
        _disk.Free = new StoreSpace(100 * MiB, 0);
        _disk.After = new StoreSpace(31 * MiB, 0);
        try
        {
            using var full = await Upload(HostedAppTests.Ipa("org.example.full", padding: (int)(40 * MiB)), chunked: true);
            Assert.Contains("31 MiB free", (string)(await AdminServer.Problem(full, 503))["detail"]!);
        }
        catch (HttpRequestException e) when (e.InnerException is IOException)
        {
            // The server has answered and closed while this client was still sending, and it reads no answer then.
        }

        Assert.Equal(0, await Left());

        _disk.After = null;
        using var none = await Upload(new byte[2 * MiB]);
        await AdminServer.Problem(none, 422);
        Assert.Equal(0, await Left());
    }

    private sealed class Disk : IStoreSpace
    {
        public StoreSpace? Free { get; set; }

        /// <summary>From the fourth look on.</summary>
        public StoreSpace? After { get; set; }

        public int Looks { get; set; }

        public Task<StoreSpace?> Look() => Task.FromResult(++Looks > 3 && After is not null ? After : Free);
    }
}
