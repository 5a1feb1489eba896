using FleetMdm.Api.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Api.Tests.Hosting;

/// <summary>What strangers can write into the log.</summary>
public sealed class LoggingTests
{
    [Theory]
    [InlineData("Microsoft.AspNetCore.Server.Kestrel.Http2", false)]
    [InlineData("Microsoft.AspNetCore.Server.Kestrel", true)]
    public async Task Whoever_floods_a_connection_of_HTTP_2_writes_no_critical_line_with_each(string category, bool heard)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.AddFleetLogging();
        await using var app = builder.Build();
        Assert.Equal(heard, app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(category).IsEnabled(LogLevel.Critical));
    }
}
