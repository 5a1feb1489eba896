using FleetMdm.Grains.Push;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Grains.Tests.Push;

/// <summary>The log says in time that the push certificate ends.</summary>
public sealed class PushCertificateWatchTests
{
    [Theory]
    [InlineData(31, null)]
    [InlineData(30, 30)]
    [InlineData(15, 30)]
    [InlineData(14, 14)]
    [InlineData(7, 7)]
    [InlineData(2, 7)]
    [InlineData(1, 1)]
    [InlineData(0.1, 1)]
    [InlineData(0, 0)]
    [InlineData(-5, 0)]
    public void Each_step_holds_until_the_next(double daysLeft, int? step) =>
        Assert.Equal(step, PushCertificateWatch.StepOf(TimeSpan.FromDays(daysLeft)));

    [Fact]
    public async Task It_is_said_once_at_each_step_and_no_more_when_it_was_renewed()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var node = await PushNode.Start(time: time);
        await node.InstallAndUse(node.Certificate);
        var said = new Lines();
        var watch = new PushCertificateWatch(node.Service<PushCertificateSource>(), time, said);
        var end = (await node.CertificateGrain.Describe())!.NotAfter;

        async Task<int> At(double daysBefore)
        {
            time.Advance(end.AddDays(-daysBefore) - time.GetUtcNow());
            await watch.Run(CancellationToken.None);
            await watch.Run(CancellationToken.None);
            return said.Count;
        }

        Assert.Equal(0, await At(40));
        Assert.Equal(1, await At(30));
        Assert.Equal(1, await At(20));
        Assert.Equal(2, await At(10));
        Assert.Equal(3, await At(6));
        Assert.Equal(4, await At(0.5));
        Assert.Equal(5, await At(-1));

        using var renewed = node.Apns.Authority.MintPushCertificate(node.Certificate.Topic, time.GetUtcNow().AddDays(-1), time.GetUtcNow().AddDays(365));
        await node.InstallAndUse(renewed);
        await watch.Run(CancellationToken.None);
        Assert.Equal(5, said.Count);
    }

    private sealed class Lines : ILogger<PushCertificateWatch>
    {
        public int Count { get; private set; }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Count++;
    }
}
