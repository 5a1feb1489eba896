using FleetMdm.Api.Rest;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>How many lists a node reads at a time.</summary>
public sealed class ListReadingTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new();
    private readonly ListReading _reading;
    private readonly AdminServer _server;

    public ListReadingTests()
    {
        _reading = new ListReading(_time);
        _server = new AdminServer { Configure = builder => builder.Services.AddSingleton(_reading) };
    }

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Two_lists_are_read_at_a_time_and_a_third_waits_its_turn()
    {
        using var first = await _reading.Enter(default);
        var second = await _reading.Enter(default);
        var third = _reading.Enter(default);
        Assert.False(third.IsCompleted);
        second.Dispose();
        second.Dispose();
        using var turn = await third;
        var fourth = _reading.Enter(default);
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(fourth.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAnyAsync<Exception>(() => fourth);
    }

    [Theory]
    [InlineData("/api/v1/people-imports", "id,given name,family name\n")]
    [InlineData("/api/v1/placeholder-imports", "serial number\n")]
    public async Task One_that_waited_in_vain_is_told_to_come_again(string path, string file)
    {
        Task<HttpResponseMessage> Send() => _server.Admin.PostAsync(path, new StringContent(file, System.Text.Encoding.UTF8, "text/csv"));
        using (await _reading.Enter(default))
        using (await _reading.Enter(default))
        {
            var sent = Send();
            while (!sent.IsCompleted)
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                await Task.Yield();
            }

            using var refused = await sent;
            var problem = await AdminServer.Problem(refused, 503);
            Assert.Equal("busy", (string)problem["code"]!);
            Assert.Contains("reads 2 files", (string)problem["detail"]!);
            Assert.Equal(TimeSpan.FromSeconds(30), refused.Headers.RetryAfter!.Delta);
        }

        using var taken = await Send();
        Assert.True(taken.IsSuccessStatusCode);
    }
}
