using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Apple;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.VirtualFleet.Tests.Apple;

/// <summary>Somebody who knows Apple's documentation, in front of the simulated Apps and Books.</summary>
internal sealed class ContentTalk : IAsyncDisposable
{
    private readonly Ear _ear;

    private ContentTalk(AppsAndBooksSimulator apple, FakeTimeProvider time, Ear ear)
    {
        (Apple, Time, _ear, Recorder) = (apple, time, ear, new Recorder(apple.Endpoint, apple.RootPem, time));
        Location = apple.AddLocation("Springfield Elementary");
        Recorder.Name(Location.Token, "sToken");
        Recorder.Name(Location.UId, "uId");
    }

    public AppsAndBooksSimulator Apple { get; }

    public FakeTimeProvider Time { get; }

    public Recorder Recorder { get; }

    public SimulatedLocation Location { get; }

    /// <summary>What came to the address for notifications.</summary>
    public IReadOnlyList<(string Authorization, JsonObject Body)> Notifications => [.. _ear.Heard];

    public bool IsReached { set => _ear.Answers = value; }

    public static async Task<ContentTalk> Begin(AppsAndBooksSimulatorOptions? options = null)
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 9, 1, 7, 0, 0, TimeSpan.Zero));
        var ear = new Ear();
        return new ContentTalk(await AppsAndBooksSimulator.StartAsync((options ?? new AppsAndBooksSimulatorOptions()) with { Time = time, Notifier = new HttpMessageInvoker(ear) }), time, ear);
    }

    public async ValueTask DisposeAsync()
    {
        Recorder.Dispose();
        await Apple.DisposeAsync();
        _ear.Dispose();
    }

    public Task<Answer> Get(string path, string what = "-") => Say(HttpMethod.Get, path, null, what);

    public Task<Answer> Post(string path, JsonObject body, string what = "-") => Say(HttpMethod.Post, path, body, what);

    private Task<Answer> Say(HttpMethod method, string path, JsonObject? body, string what)
    {
        // The service counts the requests of each second.
        Time.Advance(TimeSpan.FromSeconds(1));
        return Recorder.Say(what, method, "/mdm/v2/" + path, body, ("Authorization", "Bearer " + Location.Token));
    }

    /// <summary>Asks for it, and for what became of it.</summary>
    public async Task<JsonObject> Changed(string path, JsonObject body)
    {
        var asked = await Post(path, body);
        Assert.Equal(200, asked.Status);
        return (await Get($"status?eventId={asked.Json["eventId"]}")).Json;
    }

    private sealed class Ear : HttpMessageHandler
    {
        public ConcurrentQueue<(string, JsonObject)> Heard { get; } = new();

        public bool Answers { get; set; } = true;

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Heard.Enqueue((request.Headers.Authorization!.ToString(), (JsonObject)JsonNode.Parse(await request.Content!.ReadAsStringAsync(cancellationToken))!));
            return new HttpResponseMessage(Answers ? HttpStatusCode.OK : HttpStatusCode.ServiceUnavailable);
        }
    }
}
