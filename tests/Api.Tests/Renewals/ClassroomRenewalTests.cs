using FleetMdm.Api.Tests.Admin;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Classroom;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Renewals;

/// <summary>A year passes, and the certificates of Apple's Classroom are renewed by themselves.</summary>
public sealed class ClassroomRenewalTests
{
    private static readonly TimeSpan Guard = TimeSpan.FromMinutes(3);

    /// <summary>The real time, and as much later as a test says.</summary>
    private sealed class LaterTime : TimeProvider
    {
        private long _ticks;

        public void Pass(TimeSpan time) => Interlocked.Add(ref _ticks, time.Ticks);

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Volatile.Read(ref _ticks));
    }

    [Fact]
    public async Task A_certificate_that_ends_in_a_hundred_days_is_renewed_once_and_the_content_is_the_same()
    {
        var time = new LaterTime();
        await using var server = new AdminServer { Configure = builder => builder.Services.AddSingleton<TimeProvider>(time) };
        await server.InitializeAsync();
        var school = await Make(server, "schools", """{"name": "Year"}""");
        var tea = await Make(server, "people", """{"role": "teacher", "familyName": "Lind"}""");
        var @class = await Make(server, "classes", $$"""{"name": "7B", "schoolId": "{{school}}"}""");
        await Put(server, $"classes/{@class}/members/{tea}", """{"role": "teacher"}""");
        var pad = await server.Enrol();
        await Put(server, $"devices/{pad.Id}/holder", $$"""{"personId": "{{tea}}"}""");
        await Put(server, $"schools/{school}/classroom", """{"on": true}""");
        await Install(pad);
        var first = await Ends(server, pad);
        Assert.InRange(first, time.GetUtcNow().AddDays(364), time.GetUtcNow().AddDays(366));

        time.Pass(TimeSpan.FromDays(270));
        await Install(pad);

        var second = await Ends(server, pad);
        Assert.InRange(second, time.GetUtcNow().AddDays(364), time.GetUtcNow().AddDays(366));
        Assert.Null((await pad.Idle()).Profile);
    }

    /// <summary>From the store: the token of the administrator has ended long since.</summary>
    private static async Task<DateTimeOffset> Ends(AdminServer server, TestPad pad) => (await server.Services.GetRequiredService<IClassroomStore>().Find(pad.Id))!.CertificateEndsAt!.Value;

    private static async Task<string> Make(AdminServer server, string path, string json)
    {
        using var made = await server.Admin.PostAsync("/api/v1/" + path, AdminServer.Json(json));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private static async Task Put(AdminServer server, string path, string json)
    {
        using var put = await server.Admin.PutAsync("/api/v1/" + path, AdminServer.Json(json));
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
    }

    /// <summary>Whatever else it is asked is answered too: after months the server wants to know how it is.</summary>
    private static async Task Install(TestPad pad)
    {
        using var patience = new CancellationTokenSource(Guard);
        while (true)
        {
            var reply = await pad.Idle();
            var uuid = reply.Profile?.CommandUuid ?? (reply.Body is { } body ? System.Text.Encoding.UTF8.GetString(body).Split("<key>CommandUUID</key>")[1].Split("<string>")[1].Split('<')[0] : null);
            if (uuid is not null)
            {
                await pad.Grain.Report(new CommandReportMessage { Status = ReportStatus.Acknowledged, CommandUuid = uuid, Result = "<plist version=\"1.0\"><dict/></plist>"u8.ToArray() }, pad.Certificate);
                if (reply.Profile is not null) return;
                continue;
            }

            // As the sweep does each minute: a grain that has heard nothing for months is put away.
            await pad.Server.Grains.GetGrain<IClassroomGrain>(0).Wake();
            await pad.Server.Grains.GetGrain<IPlanGrain>(0).Wake();
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);
        }
    }
}
