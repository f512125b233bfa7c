package org.hetermoe.benchmark.channel;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.nio.ByteBuffer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Netty's event loop over NIO; bytes are copied from its buffer to the message's memory. */
final class NettyLink implements Link {
  private static final int READ_BYTES = 256 << 10;

  private final NioEventLoopGroup loop =
      new NioEventLoopGroup(1, new DefaultThreadFactory("netty", true));
  private final BlockingQueue<Integer> kinds = new LinkedBlockingQueue<>();
  private final BlockingQueue<Channel> connected = new LinkedBlockingQueue<>();
  private final Semaphore unwritten = new Semaphore(4);
  private final ByteBuffer out = ByteBuffer.allocateDirect(MAX_BYTES);
  private final Channel channel;

  NettyLink(boolean first, int ownPort, int otherPort) throws InterruptedException {
    ChannelHandler initializer =
        new ChannelInitializer<SocketChannel>() {
          @Override
          protected void initChannel(SocketChannel fresh) {
            fresh.config().setTcpNoDelay(true);
            fresh.pipeline().addLast(new Reader());
            connected.add(fresh);
          }
        };
    if (first) {
      new ServerBootstrap()
          .group(loop)
          .channel(NioServerSocketChannel.class)
          .childOption(ChannelOption.RCVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(READ_BYTES))
          .childHandler(initializer)
          .bind("127.0.0.1", ownPort)
          .sync();
    } else {
      new Bootstrap()
          .group(loop)
          .channel(NioSocketChannel.class)
          .option(ChannelOption.RCVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(READ_BYTES))
          .handler(initializer)
          .connect("127.0.0.1", otherPort)
          .sync();
    }
    channel = connected.take();
  }

  @Override
  public void send(int kind, int bytes) throws InterruptedException {
    unwritten.acquire();
    ByteBuf header = channel.alloc().directBuffer(8).writeInt(kind).writeInt(bytes);
    var _ = channel.write(header, channel.voidPromise());
    channel
        .writeAndFlush(Unpooled.wrappedBuffer(out.slice(0, bytes)))
        .addListener(_ -> unwritten.release());
  }

  @Override
  public int receive() throws InterruptedException {
    return kinds.take();
  }

  @Override
  public void close() {
    channel.close().syncUninterruptibly();
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }

  private final class Reader extends ChannelInboundHandlerAdapter {
    private final ByteBuffer header = ByteBuffer.allocateDirect(8);
    private final ByteBuffer in = ByteBuffer.allocateDirect(MAX_BYTES).limit(0);

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf bytes = (ByteBuf) message;
      try {
        while (bytes.isReadable()) {
          boolean inHeader = header.hasRemaining();
          ByteBuffer target = inHeader ? header : in;
          int count = Math.min(target.remaining(), bytes.readableBytes());
          bytes.readBytes(target.slice(target.position(), count));
          target.position(target.position() + count);
          if (inHeader && !header.hasRemaining()) {
            in.clear().limit(header.getInt(4));
          } else if (!inHeader && !in.hasRemaining()) {
            kinds.add(header.getInt(0));
            header.clear();
          }
        }
      } finally {
        bytes.release();
      }
    }
  }
}
