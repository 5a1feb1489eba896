using Microsoft.Extensions.Logging.Console;

namespace FleetMdm.Api.Hosting;

/// <summary>One line an event on the console; JSON with <c>Logging:Console:FormatterName=json</c>.</summary>
public static class FleetLogging
{
    public static void AddFleetLogging(this IHostApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.ColorBehavior = LoggerColorBehavior.Disabled;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
        });
        builder.Logging.AddFilter("", LogLevel.Warning);
        builder.Logging.AddFilter("FleetMdm", LogLevel.Information);
    }
}
